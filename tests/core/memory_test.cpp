// Blocks of any size are aligned and zeroed; large ones take memory where they are touched.
#include <unistd.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <cstdint>
#include <fstream>
#include <span>
#include <thread>
#include <vector>

#include "loom/error.h"
#include "loom/tensor.h"

using namespace loom;

namespace {

// Of this process, in bytes.
std::size_t resident() {
  std::size_t virtual_pages = 0, resident_pages = 0;
  std::ifstream("/proc/self/statm") >> virtual_pages >> resident_pages;
  return resident_pages * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

bool is_zero(const AlignedBytes& block, std::size_t bytes) {
  return std::ranges::all_of(std::span(block.get(), bytes), [](std::byte b) { return b == std::byte{}; });
}

}  // namespace

BOOST_AUTO_TEST_SUITE(memory)

BOOST_AUTO_TEST_CASE(blocks_are_aligned_and_zeroed_again_and_again) {
  for (const std::size_t bytes : {0UL, 1UL, 63UL, 4096UL, (4UL << 20) - 1, 4UL << 20, (8UL << 20) + 5}) {
    for (int round = 0; round < 3; ++round) {
      const AlignedBytes block = allocate_bytes(bytes);
      BOOST_TEST(reinterpret_cast<std::uintptr_t>(block.get()) % 64 == 0);
      BOOST_TEST(is_zero(block, bytes));
      std::fill_n(block.get(), bytes, std::byte{0xA5});
    }
  }
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
BOOST_AUTO_TEST_CASE(untouched_memory_is_not_taken_and_freed_memory_is_given_back) {
  constexpr std::size_t kBytes = std::size_t{512} << 20, kLittle = std::size_t{32} << 20;
  const std::size_t before = resident();
  {
    const AlignedBytes block = allocate_bytes(kBytes);
    BOOST_TEST(resident() < before + kLittle);
    std::fill_n(block.get(), kBytes / 4, std::byte{1});
    BOOST_TEST(resident() > before + kBytes / 5);
    BOOST_TEST(resident() < before + kBytes / 4 + kLittle);
  }
  BOOST_TEST(resident() < before + kLittle);
}
#endif

BOOST_AUTO_TEST_CASE(blocks_are_freed_on_any_thread) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([block = allocate_bytes(std::size_t{5} << 20)]() mutable {
      for (int i = 0; i < 50; ++i) {
        block.get()[i] = std::byte{1};
        block = allocate_bytes((std::size_t{4} << 20) + static_cast<std::size_t>(i) * 4096);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

BOOST_AUTO_TEST_CASE(memory_that_cannot_be_had_is_an_error) {
  for (const std::size_t bytes : {std::size_t{1} << 60, SIZE_MAX}) {
    BOOST_CHECK_EXCEPTION(allocate_bytes(bytes), Error,
                          [](const Error& e) { return e.code() == ErrorCode::out_of_memory; });
  }
}

BOOST_AUTO_TEST_SUITE_END()
