#include "base/sha256.hpp"

// The plain SHA-256 calls are marked as superseded by EVP; EVP brings in providers, a
// configuration file and a millisecond of start-up, for the same digest.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

namespace sojourn {

Sha256 sha256_of(Bytes bytes) {
    Sha256 digest;
    SHA256_CTX context;
    SHA256_Init(&context);
    SHA256_Update(&context, bytes.data(), bytes.size());
    SHA256_Final(reinterpret_cast<unsigned char*>(digest.bytes.data()), &context);
    return digest;
}

}  // namespace sojourn
