#!/usr/bin/env bash
# Every way in which a plugin can be bad: the training goes on with the old one, bit for bit, and says why.
. "$(dirname "$0")/lib.sh"
. "$repository/tests/system/hot_swap_lib.sh"
zoo_graph zoo.yaml
begin run --probation-limit "$(sanitized && echo 30 || echo 6)" # seconds
until ctl 0 run status --json && [ "$(json /step)" -gt 1001 ]; do sleep 0.1; done

refused=0
# refuses CODE TEXT...: reload is refused with this error.
refuses() {
  echo "expecting $*"
  ctl 1 run reload "$plugin" && says err "$@"
  refused=$((refused + 1))
  kill -0 $training 2>/dev/null || { fail "the training job has ended"; cat run.err; finish; }
}

# Not finite from a step on that the trial, which starts without a checkpoint, does not see: the first step in the training
# is taken back. With a checkpoint the trial sees it.
behave not-finite
refuses E806 "first step in the training"
ctl 0 run checkpoint
refuses E806 "a step on real data"

for bad in "throws-in-declare E803" "throws-in-constructor E803" "throws-in-forward E803" "throws-an-int E803" \
  "crashes-in-load E803" "crashes-in-forward E803" "loops-in-load E804" "loops-in-constructor E804" "loops-in-forward E804" \
  "allocates-for-ever E805" "exits E803" "wrong-gradient E606" "changed-shapes E807" "new-port E205" \
  "name-clash E603"; do
  behave "${bad% *}"
  refuses "${bad#* }"
done

head -c 9000 "$zoo" >next.so && mv next.so "$plugin"
refuses E604 "incomplete"
echo "not a library" >next.so && mv next.so "$plugin"
refuses E604
LC_ALL=C sed 's/, cxx11 abi 1/, cxx11 abi 0/g' "$zoo" >next.so && mv next.so "$plugin" # another standard library
refuses E602 "cxx11 abi 0" "cxx11 abi 1" "build it again"
cp "$zoo" next.so # another interface: its major number is eight bytes behind the word that marks it
at=$(LC_ALL=C grep -obUa MOOL next.so | head -n 1 | cut -d: -f1)
printf '\x63' | dd of=next.so bs=1 seek=$((at + 8)) conv=notrunc status=none && mv next.so "$plugin"
refuses E602 "99."
LC_ALL=C sed 's/loom_plugin/loom_plugix/g' "$zoo" >next.so && mv next.so "$plugin"
refuses E604
rm "$plugin"
refuses E601

ctl 0 run status --json
holds "$(json /refused) == $refused"
holds "$(json /swaps) == 0"
stop run
cp "$zoo" "$plugin"
same_as_untouched run

# Where the gradient that trains is no difference either, that is no reason to refuse; another gradient that is wrong is one.
behave estimates-x
begin estimated
ctl 0 estimated reload "$plugin"
behave wrong-gradient
ctl 1 estimated reload "$plugin"
says err E606 "gradient of parameter 'bias'"
checks=$((checks + 1))
grep -q "gradient of input 'x'" err && fail "what the old one fails, too, is held against the new one"
stop estimated
finish
