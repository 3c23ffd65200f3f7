#include "tools/vm/volume_option.hpp"

#include <algorithm>

#include "base/quantity.hpp"

namespace sojourn::tools {

namespace {

constexpr std::string_view kReadOnlyMark = ":ro";
constexpr std::string_view kSize = "size=";
constexpr std::uint64_t kPageBytes = 4096;

struct VolumeOption {
    vm::VolumeGrant grant;
    bool has_size = false;
};

Result<std::uint64_t> parse_volume_size(const std::string& text, const std::string& keys) {
    if (!keys.starts_with(kSize)) {
        return fail(ErrorCode::invalid_argument, "--volume {}: no key '{}'; there is size", text,
                    keys.substr(0, keys.find_first_of("=,")));
    }
    const auto size = parse_size(keys.substr(kSize.size()));
    if (!size.ok()) return fail(size.error().code, "--volume {}: {}", text, size.error().message);
    if (*size < leases::Volume::kSmallestBytes || *size > leases::Volume::kLargestBytes)
        return fail(ErrorCode::invalid_argument, "--volume {}: a size is 1M to 1024G", text);
    return *size / kPageBytes * kPageBytes;
}

Result<VolumeOption> parse_volume(const std::string& text) {
    const auto comma = text.find(',');
    std::string place = text.substr(0, comma);
    VolumeOption option;
    option.has_size = comma != std::string::npos;
    if (option.has_size)
        option.grant.size_bytes_max = TRY(parse_volume_size(text, text.substr(comma + 1)));
    option.grant.read_only = place.ends_with(kReadOnlyMark);
    if (option.grant.read_only) place.resize(place.size() - kReadOnlyMark.size());
    const auto colons = place.find("::");
    option.grant.name = place.substr(0, colons);
    if (colons != std::string::npos) option.grant.guest_path = place.substr(colons + 2);
    if (option.grant.guest_path.empty()) {
        return fail(ErrorCode::invalid_argument, "--volume {}: write NAME::GUEST[:ro][,size=SIZE]",
                    text);
    }
    if (!leases::is_volume_name(option.grant.name)) {
        return fail(ErrorCode::invalid_argument,
                    "--volume {}: a name is up to 64 letters, digits, '.', '_' and '-', a letter "
                    "or digit first",
                    text);
    }
    return option;
}

}  // namespace

Result<std::vector<vm::VolumeGrant>> parse_volumes(const std::vector<std::string>& texts) {
    std::vector<vm::VolumeGrant> grants;
    for (const std::string& text : texts) {
        const VolumeOption option = TRY(parse_volume(text));
        const auto first = std::ranges::find(grants, option.grant.name, &vm::VolumeGrant::name);
        if (first != grants.end() && option.has_size) {
            return fail(ErrorCode::invalid_argument,
                        "--volume {}: the size belongs to where '{}' is named first", text,
                        option.grant.name);
        }
        grants.push_back(option.grant);
    }
    return grants;
}

}  // namespace sojourn::tools
