// Prints the value at a JSON pointer of a file: json-value FILE /terms/kl. The scripts of this folder read with it what
// graph-runner writes; it fails where the file is no JSON or has no such value. "/" is the whole document. Of a stream of
// objects, one a line, it is the last one.
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

namespace {

nlohmann::json last_document(const char* path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  nlohmann::json whole = nlohmann::json::parse(text.str(), nullptr, false);
  if (!whole.is_discarded()) return whole;
  std::string line, last;
  while (std::getline(text, line))
    if (!line.empty()) last = line;
  return nlohmann::json::parse(last);
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 3) return 2;
  try {
    const nlohmann::json document = last_document(arguments[1]);
    const std::string pointer = arguments[2];
    const nlohmann::json& value = pointer == "/" ? document : document.at(nlohmann::json::json_pointer(pointer));
    std::cout << (value.is_string() ? value.get<std::string>() : value.dump()) << "\n";
    return 0;
  } catch (const std::exception& problem) {
    std::cerr << "json-value " << arguments[1] << " " << arguments[2] << ": " << problem.what() << "\n";
    return 1;
  }
}
