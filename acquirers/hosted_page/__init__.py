"""The hosted payment page: the one place where a buyer types a card number, so that no shop ever sees one."""
