"""`opsvi new-library`: a template and answers become a library; later it is checked and brought up to date."""
