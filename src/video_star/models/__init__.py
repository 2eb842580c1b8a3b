"""Video-language model families: loading, conversation format, adapters."""
