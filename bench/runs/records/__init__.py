"""What the files that the project writes hold: one definition each, which checks what is read and documents it."""
