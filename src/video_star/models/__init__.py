"""Video-language models: table of families, loading, conversation format, adapters."""
