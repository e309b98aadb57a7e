// The desk's page: sign in, then the desk.

import { openPage } from "../shared/page.js";

openPage("app.desk", () => import("./desk.js").then(({ Desk, begin, end }) => ({ View: Desk, begin, end })));
