#!/bin/sh
# Installs the plugin into an environment of its own, and runs the tests.
exec sh "$(dirname "$0")/../run-tests.sh" cohere
