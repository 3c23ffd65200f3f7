#pragma once

#include "tools/seal/crypto.hpp"

/// The keys of age: those of X25519.
namespace sojourn::seal {

/// One private key of a file, with its public one.
struct Identity {
    Key secret;
    Point point{};
};

/// The public keys that `text` is, or that are in the file it names (SealOptions::recipients); at
/// least one.
Result<std::vector<Point>> read_recipients(const std::string& text);
/// The keys in a file (OpenOptions::identities); at least one.
Result<std::vector<Identity>> read_identities(const std::string& path);

}  // namespace sojourn::seal
