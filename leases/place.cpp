#include "leases/place.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <filesystem>

#include "leases/internal/attic.hpp"
#include "leases/internal/beneath.hpp"

namespace sojourn::leases {

namespace {

ErrorCode code_of(Errno error) {
    switch (error) {
        case Errno::noent:
            return ErrorCode::not_found;
        case Errno::perm:
        case Errno::acces:
        case Errno::rofs:
            return ErrorCode::permission_denied;
        default:
            return ErrorCode::io;
    }
}

std::string_view name_of(Errno error) {
    switch (error) {
#define ERRNO(name, number, host) \
    case Errno::name:             \
        return #name;
#include "leases/errno.def"
#undef ERRNO
    }
    return "unknown";
}

/// As people read it: what an error or a list shows is what will be opened.
bool is_plain_path(const std::string& path) {
    return path.starts_with('/') &&
           std::filesystem::path(path).lexically_normal().native() == path &&
           (path == "/" || !path.ends_with('/'));
}

/// The granted directory, along no link: a guest that may write above it could have put one there.
Result<UniqueFd> open_grant(const std::string& path) {
    constexpr int kFlags = O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    UniqueFd here(::open("/", kFlags));
    for (const auto& name : std::filesystem::path(path).relative_path()) {
        if (here.valid()) here = UniqueFd(::openat(here.get(), name.c_str(), kFlags));
    }
    if (here.valid()) return here;
    return fail_errno(errno, "cannot open the directory {}, along no link", path);
}

}  // namespace

Result<OnResume> parse_on_resume(std::string_view text) {
    if (text == "rollback") return OnResume::rollback;
    if (text == "rollback,sync") return OnResume::rollback_synced;
    if (text == "keep") return OnResume::keep;
    if (text == "refuse") return OnResume::refuse;
    return fail(ErrorCode::invalid_argument,
                "on-resume={}: write rollback, rollback,sync, keep or refuse", text);
}

Place Place::of_file(std::string_view path, bool is_read_only) {
    EXPECTS(path.starts_with('/'), "a file is found again from any working directory");
    const auto slash = path.rfind('/');
    return {.grant = std::string(path.substr(0, std::max<std::size_t>(slash, 1))),
            .path = std::string(path.substr(slash + 1)),
            .is_read_only = is_read_only};
}

bool Place::is_log() const {
    return is_in_attic() && Attic::number_of(path) == Attic::kLog;
}

Place Place::below(std::string_view relative) const {
    Place result = *this;
    while (!relative.empty()) {
        const auto slash = relative.find('/');
        const auto name = relative.substr(0, slash);
        relative.remove_prefix(slash == std::string_view::npos ? relative.size() : slash + 1);
        if (name.empty() || name == ".") continue;
        if (!result.path.empty()) result.path += '/';
        result.path += name;
    }
    return result;
}

std::string Place::description() const {
    if (is_in_attic()) return is_log() ? "the log of the process" : "a removed file";
    if (path.empty()) return grant;
    return grant == "/" ? "/" + path : grant + "/" + path;
}

void Place::follow(const Place& from, const Place& to) {
    if (is_in_attic() || grant != from.grant || !path.starts_with(from.path)) return;
    const std::string rest = path.substr(from.path.size());
    if (!rest.empty() && rest.front() != '/') return;
    grant = to.grant;
    path = to.path + rest;
}

void Place::relocate(const Relocation& relocation) {
    auto moved = relocation.moved(grant);
    if (!moved || *moved == grant) return;
    grant = *std::move(moved);
    has_moved = true;
}

Grant Place::directory_grant() const {
    return {Grant::Kind::directory, grant, is_read_only};
}

Grant Place::file_grant() const {
    return {Grant::Kind::file, description(), is_read_only};
}

void put(ByteWriter& writer, const Place& place) {
    writer.put_sized(std::string_view(place.grant));
    writer.put_sized(std::string_view(place.path));
    writer.put(static_cast<std::uint8_t>(place.is_read_only));
    writer.put(place.on_resume);
}

Result<Place> get_place(ByteReader& reader) {
    Place place;
    place.grant = TRY(reader.get_string());
    place.path = TRY(reader.get_string());
    const auto is_read_only = TRY(reader.get<std::uint8_t>());
    place.is_read_only = is_read_only != 0;
    place.on_resume = TRY(reader.get<OnResume>());
    const bool has_zeros = (place.grant + place.path).find('\0') != std::string::npos;
    const bool is_anywhere =
        place.is_in_attic() ? Attic::number_of(place.path).has_value() : is_plain_path(place.grant);
    if (!is_anywhere || place.path.starts_with('/') || has_zeros || is_read_only > 1 ||
        place.on_resume > OnResume::refuse)
        return fail(ErrorCode::corrupt, "a saved lease names an impossible place");
    return place;
}

Result<UniqueFd> open_place(const Place& place, int flags) {
    EXPECTS(!place.is_in_attic(), "what is in the attic is opened there");
    UniqueFd root = TRY(open_grant(place.grant));
    if (place.path.empty() && (flags & O_PATH) != 0) return root;
    auto opened = open_beneath(root.get(), place.path.empty() ? "." : place.path, {.flags = flags});
    if (!opened.ok()) {
        return fail(code_of(opened.error()), "cannot open {} below {}: {}", place.path, place.grant,
                    name_of(opened.error()));
    }
    return std::move(*opened);
}

}  // namespace sojourn::leases
