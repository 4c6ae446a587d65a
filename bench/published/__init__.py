"""The paper's tables and claims, which travel with the package."""

from pathlib import Path

TABLES = Path(__file__).with_name("tables.csv")
"""Tables 1, 2, 3a and 3b: a row for each printed figure."""
CLAIMS = Path(__file__).with_name("claims.yaml")
"""What the paper claims in numbers; its head describes the fields."""
