#include "leases/grant.hpp"

#include "base/printable.hpp"

namespace sojourn::leases {

namespace {

constexpr std::uint32_t kGrantFormat = 1;
constexpr std::string_view kGrantSubject = "what a process was granted";

Result<Grant> get_grant(ByteReader& reader) {
    Grant grant;
    grant.kind = TRY(reader.get<Grant::Kind>());
    grant.name = TRY(reader.get_string());
    const auto is_read_only = TRY(reader.get<std::uint8_t>());
    grant.is_read_only = is_read_only == 1;
    const bool is_known = grant.kind == Grant::Kind::directory || grant.kind == Grant::Kind::file ||
                          grant.kind == Grant::Kind::address;
    if (!is_known || is_read_only > 1 || grant.name.empty())
        return fail(ErrorCode::corrupt, "{} has an impossible entry", kGrantSubject);
    return grant;
}

}  // namespace

std::string Grant::description() const {
    const std::string shown = printable(name);
    const char* suffix = is_read_only ? " (read-only)" : "";
    switch (kind) {
        case Kind::directory:
            return fmt::format("the directory {}{}", shown, suffix);
        case Kind::file:
            return fmt::format("the file {}{}", shown, suffix);
        case Kind::address:
            return fmt::format("to listen on {}", shown);
    }
    return shown;
}

bool Grants::cover(const Grant& wanted) const {
    if (all_.contains({wanted.kind, wanted.name, false})) return true;
    return wanted.is_read_only && all_.contains(wanted);
}

ByteVector Grants::encode() const {
    ByteWriter writer;
    writer.put(kGrantFormat);
    writer.put(static_cast<std::uint32_t>(all_.size()));
    for (const Grant& grant : all_) {
        writer.put(grant.kind);
        writer.put_sized(std::string_view(grant.name));
        writer.put(static_cast<std::uint8_t>(grant.is_read_only));
    }
    return writer.take();
}

Result<Grants> Grants::decode(Bytes bytes) {
    ByteReader reader(bytes, kGrantSubject);
    if (const auto format = TRY(reader.get<std::uint32_t>()); format != kGrantFormat) {
        return fail(ErrorCode::unsupported_format, "{} has format {}, this build reads {}",
                    kGrantSubject, format, kGrantFormat);
    }
    constexpr std::size_t kEntryBytesMin = 9;
    const auto count = TRY(reader.get_count(kEntryBytesMin));
    Grants grants;
    for (std::uint32_t i = 0; i < count; ++i) {
        grants.add(TRY(get_grant(reader)));
    }
    TRY(reader.expect_end());
    return grants;
}

}  // namespace sojourn::leases
