#!/usr/bin/env bash
# Writes the man pages and completion scripts of trunkctl into build/, for its packages. The result
# depends on the commit alone.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

rm -rf build
mkdir -p build/man build/man-gz build/completions
# The hook runs on the machine that packs, whatever the packages are for.
(cd cmd/trunkctl && GOOS='' GOARCH='' go build -trimpath -buildvcs=true -o ../../build/trunkctl .)
build/trunkctl man build/man
for page in build/man/*.1; do
	gzip -9 -n -c "$page" >"build/man-gz/${page##*/}.gz"
done
build/trunkctl completion bash >build/completions/trunkctl.bash
build/trunkctl completion zsh >build/completions/_trunkctl
build/trunkctl completion fish >build/completions/trunkctl.fish
build/trunkctl completion powershell >build/completions/trunkctl.ps1
rm build/trunkctl
