#!/usr/bin/env bash
# The release preset compiles several files of a library as one, in which anonymous namespaces are shared: a name that two
# files give to functions of their own would be overloaded in silence. Each such name is unique within its folder.
. "$(dirname "$0")/lib.sh"

# names FILE...: "NAME FILE" for each function or type that a file defines at the start of a line in an anonymous namespace.
names() {
  awk '
    FNR == 1 { inside = 0 }
    /^namespace \{/ { inside = 1; next }
    /^\}  \/\/ namespace$/ { inside = 0 }
    inside && /^(class|struct|enum class|union) [A-Za-z_0-9]+.*\{/ {
      name = $2; if ($1 == "enum") name = $3
      sub(/[^A-Za-z_0-9].*/, "", name)
      print name, FILENAME
    }
    inside && /^[A-Za-z_\[].*[ *&]([A-Za-z_0-9]+)\(/ && !/^(class|struct|enum|using|constexpr|LOOM|static_assert|template)/ {
      text = $0
      sub(/\(.*/, "", text)
      if (text ~ /::[A-Za-z_0-9~]+$/) next
      sub(/.*[ *&]/, "", text)
      if (text != "") print text, FILENAME
    }' "$@" | sort -u
}

unique_in() {
  local folder=$1 twice
  shift
  checks=$((checks + 1))
  twice=$(names "$@" | awk '{ files[$1] = files[$1] " " $2; count[$1]++ } END { for (name in count) if (count[name] > 1) print name ":" files[name] }' | sort)
  [ -z "$twice" ] || { fail "names that several files of $folder have:"; echo "$twice"; }
}

cd "$repository"
for folder in framework/*/ $(find nodes -mindepth 1 -maxdepth 1 -type d); do
  # Files that are compiled alone have their names for themselves.
  files=$(find "$folder" -name '*.cpp' ! -name export.cpp ! -name allocation_counter.cpp -exec grep -L foreach_target {} +)
  [ -z "$files" ] || unique_in "$folder" $files
done
finish
