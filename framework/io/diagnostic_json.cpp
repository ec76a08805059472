#include "io/diagnostic_json.h"

#include <string>

namespace loom {
namespace {

using Json = nlohmann::json;

Json to_json(const Location& where) { return {where.file, where.line, where.column}; }

Location location_from(const Json& json) {
  return {json.at(0).get<std::string>(), json.at(1).get<int>(), json.at(2).get<int>()};
}

ErrorCode code_from(const std::string& number) {
#define X(identifier, text, name) \
  if (number == text) return ErrorCode::identifier;
  LOOM_ERROR_CODES(X)
#undef X
  return ErrorCode::internal;
}

}  // namespace

Json to_json(const std::vector<Diagnostic>& findings) {
  Json list = Json::array();
  for (const Diagnostic& finding : findings) {
    Json further = Json::array();
    for (const OtherEnd& end : finding.further_ends)
      further.push_back({{"where", to_json(end.where)}, {"role", end.role}});
    list.push_back({{"code", std::string(error_number(finding.code))},
                    {"where", to_json(finding.where)},
                    {"message", finding.message},
                    {"got", finding.got},
                    {"expected", finding.expected},
                    {"suggestion", finding.suggestion},
                    {"hint", finding.hint},
                    {"excerpt", finding.excerpt},
                    {"other", to_json(finding.other)},
                    {"other_role", finding.other_role},
                    {"further_ends", std::move(further)}});
  }
  return list;
}

std::vector<Diagnostic> diagnostics_from_json(const Json& json) {
  std::vector<Diagnostic> findings;
  try {
    for (const Json& one : json) {
      Diagnostic finding;
      finding.code = code_from(one.at("code").get<std::string>());
      finding.where = location_from(one.at("where"));
      finding.message = one.at("message").get<std::string>();
      finding.got = one.at("got").get<std::string>();
      finding.expected = one.at("expected").get<std::string>();
      finding.suggestion = one.at("suggestion").get<std::string>();
      finding.hint = one.at("hint").get<std::string>();
      finding.excerpt = one.at("excerpt").get<std::string>();
      finding.other = location_from(one.at("other"));
      finding.other_role = one.at("other_role").get<std::string>();
      for (const Json& end : one.at("further_ends"))
        finding.further_ends.push_back({location_from(end.at("where")), end.at("role").get<std::string>()});
      findings.push_back(std::move(finding));
    }
  } catch (const Json::exception& problem) {
    Diagnostic finding{};
    finding.code = ErrorCode::internal;
    finding.message = std::string("diagnostics that cannot be read: ") + problem.what();
    findings = {std::move(finding)};
  }
  return findings;
}

}  // namespace loom
