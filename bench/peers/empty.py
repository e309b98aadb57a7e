"""A Flask view that reads the body and answers: what the framework and the server cost alone."""

from flask import Flask, request

application = Flask("empty")


@application.post("/<path:path>")
def view(path):
    request.get_data()
    return "success"
