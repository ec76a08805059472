#!/usr/bin/env bash
# What an editor makes of the schema: the npm package yaml-language-server completes options and flags wrong ones. It is
# looked for in $YAML_LANGUAGE_SERVER (its executable), on PATH and in the build folder. With LATENTLOOM_NPM=1 it is
# installed into the build folder first; nothing is installed without it.
. "$(dirname "$0")/lib.sh"
version=1.25.0 # the last one that runs on the Node of Debian 12
unchecked="completion and diagnostics in an editor were NOT checked"
command -v node >/dev/null || skip "node is not installed: $unchecked"
npm_folder=$(dirname "$GRAPH_RUNNER")/../npm
installed=$npm_folder/node_modules/.bin/yaml-language-server
if [ -n "${LATENTLOOM_NPM:-}" ] && [ ! -x "$installed" ]; then
  npm install --prefix "$npm_folder" --no-audit --no-fund "yaml-language-server@$version" >npm.log 2>&1 ||
    { cat npm.log; fail "npm install yaml-language-server@$version"; finish; }
fi
server=${YAML_LANGUAGE_SERVER:-$(command -v yaml-language-server || echo "$installed")}
if [ ! -x "$server" ]; then
  [ -z "${YAML_LANGUAGE_SERVER:-}" ] || { fail "YAML_LANGUAGE_SERVER is $server, which is no executable"; finish; }
  skip "the npm package yaml-language-server is not installed (LATENTLOOM_NPM=1 does it): $unchecked"
fi

expect 0 inspect linear --json
[ "$(json /options/0/name)" = units ] || fail "the first option of linear is not units"
units=$(json /options/0/doc)
expect 0 schema && mv out latentloom.schema.json || finish
checks=$((checks + 1))
node "$repository/tests/system/editor_client.mjs" \
  "$server" "$work/latentloom.schema.json" "$repository/graphs" "$units" || fail "editor_client.mjs"
finish
