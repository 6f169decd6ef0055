"""One style, one module per group of figures: tables and arrays in, matplotlib figures out."""
