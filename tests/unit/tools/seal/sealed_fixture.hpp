#pragma once

#include <algorithm>

#include <catch2/catch.hpp>

#include "base/file.hpp"
#include "tests/support/temporary_folder.hpp"
#include "tools/seal/seal.hpp"

namespace sojourn::seal {

/// 32 bytes 0x42 as age writes them, and the public key that belongs to them.
inline constexpr const char* kIdentity =
    "AGE-SECRET-KEY-1GFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPYYSJZGFPQ4EGAEX";
inline constexpr const char* kRecipient =
    "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj";
/// Another one's.
inline constexpr const char* kOtherRecipient =
    "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

/// Files of keys, and streams in memory.
class SealedFixture {
public:
    std::string file(const std::string& name, std::string_view text) {
        const std::string path = folder_.path() / name;
        REQUIRE(write_file(path, as_bytes(text)).ok());
        return path;
    }

    /// What comes out; `signature` is what finish() gave.
    Result<ByteVector> seal(const SealOptions& options, Bytes plain,
                            ByteVector* signature = nullptr) {
        ByteVector out;
        const auto sealer = TRY(library_.make_sealer(
            options,
            [&](Bytes bytes) {
                out.insert(out.end(), bytes.begin(), bytes.end());
                return Result<void>();
            },
            random_));
        for (; !plain.empty(); plain = plain.subspan(std::min<std::size_t>(plain.size(), 1000)))
            TRY(sealer->write(plain.first(std::min<std::size_t>(plain.size(), 1000))));
        ByteVector signed_with = TRY(sealer->finish());
        if (signature != nullptr) *signature = std::move(signed_with);
        return out;
    }

    Result<ByteVector> open(const OpenOptions& options, Bytes sealed) {
        const auto opener = TRY(library_.make_opener(options, [sealed](MutableBytes out) mutable {
            const Bytes part = sealed.first(std::min(sealed.size(), out.size()));
            std::copy(part.begin(), part.end(), out.begin());
            sealed = sealed.subspan(part.size());
            return Result<std::size_t>(part.size());
        }));
        ByteVector plain;
        std::byte part[777];
        for (;;) {
            const std::size_t got = TRY(opener->read(part));
            if (got == 0) return plain;
            plain.insert(plain.end(), part, part + got);
        }
    }

    [[nodiscard]] std::string path(const std::string& name) const { return folder_.path() / name; }

private:
    const Library& library_ = *sojourn_seal_library();
    tests::TemporaryFolder folder_;
    SystemRandom random_;
};

inline ByteVector some_bytes(std::size_t size) {
    ByteVector bytes(size);
    for (std::size_t i = 0; i < size; ++i)
        bytes[i] = static_cast<std::byte>(i * 131 >> 3);
    return bytes;
}

}  // namespace sojourn::seal
