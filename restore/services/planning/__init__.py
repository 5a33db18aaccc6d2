"""From a file to a plan: opened, matched with the live schema, staged, examined, counted.

Writes nothing of the application's."""
