"""WeRoBot's echo behind its Flask view, as its documentation shows it; session storage off."""

import os

from flask import Flask
from werobot import WeRoBot
from werobot.contrib.flask import make_view

robot = WeRoBot(
    token=os.environ["PEER_TOKEN"],
    encoding_aes_key=os.environ["PEER_KEY"],
    app_id=os.environ["PEER_APPID"],
    enable_session=False,
)
robot.text(lambda message: message.content)
view = make_view(robot)
application = Flask("werobot")
application.add_url_rule("/<path:path>", "echo", lambda path: view(), methods=["GET", "POST"])
