// What a host says about a library of another build.
#include "plugin/compatibility.h"

#include "loom/error.h"

using namespace loom;

namespace {

loom_plugin_descriptor own() {
  return {kLoomPluginMagic,
          sizeof(loom_plugin_descriptor),
          LOOM_ABI_MAJOR,
          LOOM_ABI_MINOR,
          LOOM_COMPILER,
          LOOM_STANDARD_LIBRARY,
          LOOM_SANITIZER,
          LOOM_VERSION,
          "toy",
          nullptr,
          nullptr};
}

// The finding about a library; an empty one where it fits.
Diagnostic refusal(const loom_plugin_descriptor& descriptor, const HostStamp& host = {}) {
  try {
    check_compatible(descriptor, "libtoy.so", host);
  } catch (const Error& error) {
    BOOST_TEST(error.diagnostics().size() == 1U);
    return error.diagnostics().front();
  }
  return {};
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

BOOST_AUTO_TEST_SUITE(plugin_compatibility)

BOOST_AUTO_TEST_CASE(the_same_build_fits) { BOOST_TEST(refusal(own()).message == ""); }

BOOST_AUTO_TEST_CASE(an_older_minor_number_fits_and_a_newer_one_does_not) {
  HostStamp host;
  host.abi_minor = LOOM_ABI_MINOR + 1;
  BOOST_TEST(refusal(own(), host).message == "");
  loom_plugin_descriptor newer = own();
  newer.abi_minor = LOOM_ABI_MINOR + 1;
  newer.version = "0.7.3";
  const Diagnostic finding = refusal(newer);
  BOOST_TEST((finding.code == ErrorCode::plugin_mismatch));
  BOOST_TEST(contains(finding.got, fmt::format("abi {}.{} (Latentloom 0.7.3)", LOOM_ABI_MAJOR, LOOM_ABI_MINOR + 1)));
  BOOST_TEST(contains(finding.expected,
                      fmt::format("abi {}.{} (Latentloom {})", LOOM_ABI_MAJOR, LOOM_ABI_MINOR, LOOM_VERSION)));
}

BOOST_AUTO_TEST_CASE(another_major_number_fits_neither_way) {
  for (const int by : {-1, 1}) {
    loom_plugin_descriptor other = own();
    other.abi_major = static_cast<std::uint32_t>(LOOM_ABI_MAJOR + by);
    other.abi_minor = 0;
    BOOST_TEST((refusal(other).code == ErrorCode::plugin_mismatch));
    BOOST_TEST(refusal(other).where.file == "libtoy.so");
  }
}

BOOST_AUTO_TEST_CASE(everything_that_differs_is_said_at_once) {
  loom_plugin_descriptor other = own();
  other.abi_major = 1;
  other.compiler = "clang 99";
  other.standard_library = "libc++ 180000";
  other.sanitizer = "thread";
  const Diagnostic finding = refusal(other);
  BOOST_TEST(contains(finding.message, "abi, compiler, standard library, sanitizer"));
  for (const char* theirs : {"abi 1.", "compiler clang 99", "standard library libc++ 180000", "sanitizer thread"})
    BOOST_TEST(contains(finding.got, theirs), theirs);
  for (const char* ours : {LOOM_COMPILER, LOOM_STANDARD_LIBRARY, LOOM_SANITIZER})
    BOOST_TEST(contains(finding.expected, ours), ours);
  BOOST_TEST(contains(finding.hint, "cmake --build"));
}

BOOST_AUTO_TEST_CASE(a_descriptor_of_before_is_too_short) {
  loom_plugin_descriptor old = own();
  old.size = 1;  // where the first interface had its number
  old.compiler = nullptr;
  const Diagnostic finding = refusal(old);
  BOOST_TEST((finding.code == ErrorCode::plugin_mismatch));
  BOOST_TEST(contains(finding.got, "1 bytes"));
}

BOOST_AUTO_TEST_SUITE_END()
