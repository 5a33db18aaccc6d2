"""Tables as awkward as PostgreSQL and Django allow, to show that a backup loses nothing of them.

Installed in every test run, as one more app of the project beside the studio. All of it is in
Complete backups alone, so a Safe file under test holds the studio's sections and nothing else. A
test that counts the studio's tables has to leave out those of the group "Zoo".
"""
