#include "tools/seal/byte_stream.hpp"

#include <algorithm>

namespace sojourn::seal {

namespace {
constexpr std::size_t kReadBytes = std::size_t{64} << 10U;
}

Result<void> ByteStream::read_ahead() {
    ahead_.resize(kReadBytes);
    begin_ = 0;
    const auto got = source_(ahead_);
    ahead_.resize(got.ok() ? *got : 0);
    if (!got.ok()) return got.error();
    return {};
}

Result<std::string> ByteStream::line(std::size_t bytes_max) {
    std::string text;
    for (;;) {
        if (begin_ == ahead_.size()) TRY(read_ahead());
        const std::string_view rest = as_text(Bytes(ahead_).subspan(begin_));
        const std::size_t end = rest.find('\n');
        text += rest.substr(0, end);
        if (rest.empty() || text.size() > bytes_max)
            return fail(ErrorCode::corrupt, "the header of the encrypted file has no end");
        begin_ += std::min(end, rest.size() - 1) + 1;
        if (end != std::string_view::npos) return text;
    }
}

Result<std::size_t> ByteStream::fill(MutableBytes out) {
    const std::size_t ready = std::min(out.size(), ahead_.size() - begin_);
    std::copy_n(ahead_.begin() + static_cast<std::ptrdiff_t>(begin_), ready, out.begin());
    begin_ += ready;
    std::size_t filled = ready;
    while (filled < out.size()) {
        const std::size_t got = TRY(source_(out.subspan(filled)));
        if (got == 0) break;
        filled += got;
    }
    return filled;
}

}  // namespace sojourn::seal
