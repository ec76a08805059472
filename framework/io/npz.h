// NumPy archives (.npz): a zip of .npy files, stored or deflated.
//
// Thread safety: one thread per object. Errors: data_not_found, data_wrong_format, data_corrupt, data_empty, with the
// archive and the array.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "loom/tensor.h"

namespace loom {

class NpzFile {
 public:
  explicit NpzFile(const std::string& path);
  ~NpzFile();
  NpzFile(const NpzFile&) = delete;
  NpzFile& operator=(const NpzFile&) = delete;

  const std::vector<std::string>& names() const { return names_; }  // names of the arrays, at least one
  // The .npy file of an array of names().
  std::vector<std::byte> read(const std::string& name) const;
  // The array's name in errors: "data.npz:x.npy".
  std::string name_of(const std::string& name) const { return path_ + ":" + name + ".npy"; }

 private:
  struct Close {
    void operator()(void* archive) const;
  };
  std::string path_;
  std::unique_ptr<void, Close> archive_;  // libzip's zip_t
  std::vector<std::string> names_;
};

// Puts .npy files into an archive, each under a name, without compression. The archive appears completely or not at
// all.
// Errors: write_failed.
void write_npz(const std::string& path, const std::vector<std::pair<std::string, std::string>>& names_and_files);

// Every array of an archive, by name.
std::map<std::string, Tensor> read_npz(const std::string& path);

}  // namespace loom
