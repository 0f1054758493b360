"""The demo stories: data, specifications and the people who act in them."""
