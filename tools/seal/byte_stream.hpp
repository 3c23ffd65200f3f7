#pragma once

#include "tools/seal/seal.hpp"

namespace sojourn::seal {

/// Reads a source by lines and by exact sizes.
class ByteStream {
public:
    explicit ByteStream(ByteSource source) : source_(std::move(source)) {}

    /// Without its end. Errors: corrupt when there is none within `bytes_max`; those of the source.
    Result<std::string> line(std::size_t bytes_max);
    /// As much of `out` as there is; less only at the end.
    Result<std::size_t> fill(MutableBytes out);

private:
    Result<void> read_ahead();

    ByteSource source_;
    ByteVector ahead_;  ///< read, and not given yet, from begin_ on
    std::size_t begin_ = 0;
};

}  // namespace sojourn::seal
