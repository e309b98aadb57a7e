// The console's page: sign in, then the console.

import { openPage } from "../shared/page.js";

openPage("app.console", () => import("./console.js").then(({ Console, begin, end }) => ({ View: Console, begin, end })));
