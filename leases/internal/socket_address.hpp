#pragma once

#include <array>
#include <cstring>
#include <optional>
#include <string>
#include <sys/socket.h>

#include "base/result.hpp"

namespace sojourn::leases {

/// An address that a TCP socket is bound to.
class SocketAddress {
public:
    enum class Names : std::uint8_t { numeric, resolved };

    SocketAddress() = default;

    /// HOST:PORT, with a host in brackets if it has colons. Errors: invalid_argument.
    static Result<SocketAddress> parse(const std::string& text, Names names);

    /// What parse() takes, numeric.
    [[nodiscard]] std::string text() const;

    [[nodiscard]] const sockaddr* get() const {
        return reinterpret_cast<const sockaddr*>(&storage_);
    }
    [[nodiscard]] socklen_t length() const { return length_; }
    /// To be filled by a system call.
    sockaddr* out() { return reinterpret_cast<sockaddr*>(&storage_); }
    socklen_t* length_out() {
        length_ = sizeof(storage_);
        return &length_;
    }

private:
    sockaddr_storage storage_{};
    socklen_t length_ = 0;
};

}  // namespace sojourn::leases
