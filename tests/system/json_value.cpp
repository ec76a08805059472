// Prints the value at a JSON pointer of a file: json-value FILE /terms/kl. The scripts of this folder read with it what
// graph-runner writes; it fails where the file is no JSON or has no such value. "/" is the whole document.
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>

int main(int count, char** arguments) {
  if (count != 3) return 2;
  try {
    std::ifstream file(arguments[1]);
    const nlohmann::json document = nlohmann::json::parse(file);
    const std::string pointer = arguments[2];
    const nlohmann::json& value = pointer == "/" ? document : document.at(nlohmann::json::json_pointer(pointer));
    std::cout << (value.is_string() ? value.get<std::string>() : value.dump()) << "\n";
    return 0;
  } catch (const std::exception& problem) {
    std::cerr << "json-value " << arguments[1] << " " << arguments[2] << ": " << problem.what() << "\n";
    return 1;
  }
}
