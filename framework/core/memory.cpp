// Memory of tensors and arenas. Small blocks are the allocator's; large ones are mapped from the system, which zeroes a page
// when it is first touched, near the core that touches it: what is planned and never used takes no memory, and huge pages
// spare the tables of addresses where a step reads far apart.
#include <fmt/format.h>
#include <sys/mman.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <unordered_map>

#include "loom/error.h"
#include "loom/tensor.h"

namespace loom {
namespace {

constexpr std::size_t kAlignment = 64, kHugePage = std::size_t{2} << 20;
#if defined(__SANITIZE_ADDRESS__)
constexpr std::size_t kLarge = SIZE_MAX;  // the sanitizer watches the ends of the allocator's blocks alone
#else
constexpr std::size_t kLarge = std::size_t{4} << 20;
#endif

// The lengths of mapped blocks, by their addresses, which are multiples of a huge page.
class MappedBlocks {
 public:
  std::byte* map(std::size_t bytes) {
    // As much more as it takes to begin on a huge page.
    void* const whole = ::mmap(nullptr, bytes + kHugePage, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (whole == MAP_FAILED) return nullptr;
    auto* const first = static_cast<std::byte*>(whole);
    const std::size_t skipped = (kHugePage - reinterpret_cast<std::uintptr_t>(first) % kHugePage) % kHugePage;
    std::byte* const block = first + skipped;
    if (skipped > 0) ::munmap(first, skipped);
    if (skipped < kHugePage) ::munmap(block + bytes, kHugePage - skipped);
    ::madvise(block, bytes, MADV_HUGEPAGE);  // where the system has none, pages are small
    const std::lock_guard lock(mutex_);
    lengths_[block] = bytes;
    return block;
  }

  bool unmap(std::byte* block) {
    if (reinterpret_cast<std::uintptr_t>(block) % kHugePage != 0) return false;
    const std::lock_guard lock(mutex_);
    const auto found = lengths_.find(block);
    if (found == lengths_.end()) return false;
    ::munmap(block, found->second);
    lengths_.erase(found);
    return true;
  }

 private:
  std::mutex mutex_;
  std::unordered_map<std::byte*, std::size_t> lengths_;
};

// Never destroyed: blocks are freed by the destructors of static objects, too.
MappedBlocks& mapped_blocks() {
  static auto& blocks = *new MappedBlocks;
  return blocks;
}

std::size_t rounded_up(std::size_t bytes, std::size_t unit) { return (bytes + unit - 1) / unit * unit; }

}  // namespace

void AlignedFree::operator()(std::byte* memory) const {
  if (!mapped_blocks().unmap(memory)) std::free(memory);
}

AlignedBytes allocate_bytes(std::size_t bytes) {
  constexpr std::size_t kPage = 4096, kMost = SIZE_MAX / 2;
  const bool large = bytes >= kLarge;
  const std::size_t rounded = bytes > kMost ? bytes
                              : bytes == 0  ? kAlignment
                                            : rounded_up(bytes, large ? kPage : kAlignment);
  std::byte* memory = nullptr;
  if (bytes <= kMost)
    memory = large ? mapped_blocks().map(rounded) : static_cast<std::byte*>(std::aligned_alloc(kAlignment, rounded));
  if (memory == nullptr) {
    throw Error(ErrorCode::out_of_memory, fmt::format("{} MiB could not be allocated", rounded >> 20),
                "use fewer lanes or a smaller shard (--lanes, --shard)");
  }
  if (!large) std::memset(memory, 0, rounded);
  return AlignedBytes(memory);
}

}  // namespace loom
