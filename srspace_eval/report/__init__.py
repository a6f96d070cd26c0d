"""One table model, shown in the terminal and as CSV, JSON, Markdown, LaTeX and HTML."""
