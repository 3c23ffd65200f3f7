#include "bench/support/plain_file.hpp"

#include <fcntl.h>
#include <stdexcept>
#include <unistd.h>
#include <utility>

#include "base/random.hpp"
#include "bench/support/vm.hpp"

namespace sojourn::bench {

namespace {

/// As many bytes in one system call as the store writes in one transaction.
constexpr std::size_t kWriteBytesMax = std::size_t{8} << 20U;

int open_new(const std::filesystem::path& path) {
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0) throw std::runtime_error("cannot write " + path.string());
    return file;
}

}  // namespace

PlainFile::PlainFile(std::filesystem::path path) : path_(std::move(path)), file_(open_new(path_)) {}

PlainFile::~PlainFile() {
    ::close(file_);
}

double PlainFile::append_noise_ms(std::size_t bytes) {
    return write_durably_ms(bytes);
}

double PlainFile::overwrite_ms(std::size_t bytes) {
    ::close(file_);
    std::filesystem::remove(path_);
    file_ = open_new(path_);
    return write_durably_ms(bytes);
}

double PlainFile::write_durably_ms(std::size_t bytes) {
    noise_.resize(bytes);
    SystemRandom().fill({reinterpret_cast<std::byte*>(noise_.data()), noise_.size()});
    const std::uint64_t begin_ns = now_ns();
    for (std::size_t written = 0; written < bytes;) {
        const std::size_t length = std::min(kWriteBytesMax, bytes - written);
        const ssize_t result = ::write(file_, noise_.data() + written, length);
        if (result <= 0) throw std::runtime_error("cannot write " + path_.string());
        written += static_cast<std::size_t>(result);
    }
    if (::fdatasync(file_) != 0) throw std::runtime_error("cannot sync " + path_.string());
    return static_cast<double>(now_ns() - begin_ns) / 1e6;
}

}  // namespace sojourn::bench
