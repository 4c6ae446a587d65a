"""The paper's claims, and what becomes of them."""
