"""How the weights answer callers: one way from a picture to readings, and every transport that uses it.

recognize          any input -> readings: the one way in
http, schemas      our own routes, each with its limit beside it, and their JSON
gradio_api         the endpoints for gradio's clients, curl and agents (MCP)
command            the command line
serve              all of it behind one port, until the process is told to stop
address, memory    where it listens, and memory that goes back to the system
request_head       what a request says of itself before its body comes
gradio_internals   whatever of gradio is not documented: open this first when gradio is upgraded
limits/            what callers may send, and how much of it
page/              what the page shows, its scripts and styles
"""
