// A section of a document whose keys are members of a struct, declared once: the declaration reads the text with
// positions, gives the values back for a resolved document, a difference and a schema, and documents itself.
//
//   SectionType<TrainEntry> train("train");
//   train.key("batch", &TrainEntry::batch, integer().at_least(1), "samples of a step");
//
// The default of a key is what a new struct holds. Keys with a form of their own (optimizer, losses) are declared too,
// with structure(), and read by their owner.
//
// Ownership: a SectionType is built once and immutable afterwards. Thread safety: reading is safe from many threads.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "document/section.h"
#include "loom/contract.h"

namespace loom {

namespace detail {
inline OptionValue to_option(bool value) { return OptionValue(value); }
inline OptionValue to_option(double value) { return OptionValue(value); }
inline OptionValue to_option(std::int64_t value) { return OptionValue(value); }
inline OptionValue to_option(std::uint64_t value) { return OptionValue(static_cast<std::int64_t>(value)); }
inline OptionValue to_option(const std::string& value) { return value.empty() ? OptionValue() : OptionValue(value); }
OptionValue to_option(const std::vector<std::string>& values);  // empty: nothing
inline OptionValue to_option(const std::optional<double>& value) { return value ? OptionValue(*value) : OptionValue(); }
void from_option(const OptionValue& value, bool& out);
void from_option(const OptionValue& value, double& out);
void from_option(const OptionValue& value, std::optional<double>& out);
void from_option(const OptionValue& value, std::int64_t& out);
void from_option(const OptionValue& value, std::uint64_t& out);
void from_option(const OptionValue& value, std::string& out);
void from_option(const OptionValue& value, std::vector<std::string>& out);  // a text is a list of one
// The value of a key as its declaration accepts it; empty if it is absent, or wrong (with a diagnostic).
OptionValue read_key(Section& section, const OptionDeclaration& key);
}  // namespace detail

template <class T>
class SectionType {
 public:
  explicit SectionType(std::string name) : name_(std::move(name)) {}

  template <class Member>
  SectionType& key(std::string name, Member T::*member, Constraint accepts, std::string doc, std::string unit = "") {
    fields_.push_back({name, [member](const T& from) { return detail::to_option(from.*member); },
                       [member](const OptionValue& value, T& to) { detail::from_option(value, to.*member); }});
    contract_.option(std::move(name), detail::to_option(T{}.*member), std::move(accepts), std::move(doc),
                     std::move(unit));
    return *this;
  }
  // A key whose value its owner reads.
  SectionType& form(std::string name, std::string form, std::string doc) {
    contract_.option(std::move(name), OptionValue(), structure(std::move(form)), std::move(doc));
    return *this;
  }

  const std::string& name() const { return name_; }
  const Contract& contract() const { return contract_; }

  // Every key that is a member. Findings go to the section's diagnostics, and leave the member as it was.
  void read(Section& section, T& out) const {
    for (const Field& field : fields_) {
      const OptionValue value = detail::read_key(section, declaration(field.name));
      if (!value.empty()) field.set(value, out);
    }
  }
  // The member of one key; `value` is one that its declaration accepts.
  void set(const std::string& key, const OptionValue& value, T& out) const {
    for (const Field& field : fields_)
      if (field.name == key) field.set(value, out);
  }
  // The members in the order of their declaration; those that hold nothing are left out.
  OptionMap values(const T& from) const {
    OptionMap map;
    for (const Field& field : fields_) {
      OptionValue value = field.get(from);
      if (!value.empty()) map.push_back({field.name, std::move(value)});
    }
    return map;
  }

 private:
  struct Field {
    std::string name;
    std::function<OptionValue(const T&)> get;
    std::function<void(const OptionValue&, T&)> set;
  };
  const OptionDeclaration& declaration(const std::string& name) const {
    for (const OptionDeclaration& option : contract_.options()) {
      if (option.name == name) return option;
    }
    return contract_.options().front();  // not reached: key() declares both
  }

  std::string name_;
  Contract contract_;
  std::vector<Field> fields_;
};

}  // namespace loom
