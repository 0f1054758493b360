"""How notices leave the site: the messages of e-mails."""
