"""The tabs *Train one*, *See inside* and *Fool it*: their pages, and what they ask the server."""
