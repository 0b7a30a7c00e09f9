#!/bin/sh
# What `make quickstart` runs: ingest the sample documents, ask two questions, say what to type next.
set -eu
opsvi=${OPSVI:-opsvi}
here=$(cd "$(dirname "$0")" && pwd)

show() {
    printf '\n$ opsvi'
    for word in "$@"; do
        case $word in *[!a-zA-Z0-9_./-]*) printf ' "%s"' "$word" ;; *) printf ' %s' "$word" ;; esac
    done
    printf '\n'
    "$opsvi" "$@"
}

cd "$here/.."
show ingest examples/documents -c examples
show query "Who is on call on Sundays?" -c examples
show query "How long are backups kept?" -c examples

cat <<NEXT

That is it: no key, no download of a model, no server. Next:
  export PATH="$(cd "$(dirname "$opsvi")" && pwd):\$PATH"
  opsvi ingest ~/your/folder                      your own documents
  opsvi query "your question"                     an answer with its sources
  opsvi chat                                      ask on
  opsvi config set model openai/gpt-5-mini        let a model write the answers
  opsvi --help
NEXT
