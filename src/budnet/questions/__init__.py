"""QUESTIONS: what is asked of a network, whoever asks: the command line prints the answers, `budnet.api` hands them on.

place.py     FILE or KIND:WHERE -> the network, and what was wrong with it
asked.py     SOURCE, DESTINATION and PORT, looked up in a network
focus.py     which rows somebody looks for
answer.py    an answer: rows, the document of `--format json`, a data frame
matrix.py    all pairs of either kind of network as one stream of rows; classes.py joins those that fare alike
picture.py   the table of classes that `graph` draws
watch.py     guarantees, asked again after each edit

Each other module is a question, with its rows as JSON has them.

Nothing here prints or ends the program: what makes no sense is raised as `errors.WrongQuestion`.
"""
