"""The data contracts as package data: JSON Schemas, the Markdown contract, and examples of both kinds."""
