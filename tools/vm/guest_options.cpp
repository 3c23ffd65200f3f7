#include "tools/vm/guest_options.hpp"

#include <filesystem>

#include "base/quantity.hpp"

namespace sojourn::tools {

namespace {

constexpr std::string_view kReadOnly = ":ro";

constexpr std::string_view kOnResume = "on-resume=";

/// Where the keys of `--dir` begin: at a comma with `key=` behind it. Names may have commas.
std::size_t comma_before_keys(std::string_view text) {
    for (auto comma = text.find(','); comma != std::string_view::npos;
         comma = text.find(',', comma + 1)) {
        const auto end = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz-", comma + 1);
        if (end != std::string_view::npos && end > comma + 1 && text[end] == '=') return comma;
    }
    return std::string_view::npos;
}

/// What stands behind that comma.
Result<leases::OnResume> parse_keys(const std::string& text, const std::string& keys) {
    if (keys.starts_with(kOnResume)) {
        const auto parsed = leases::parse_on_resume(keys.substr(kOnResume.size()));
        if (parsed.ok()) return *parsed;
        return fail(parsed.error().code, "--dir {}: {}", text, parsed.error().message);
    }
    return fail(ErrorCode::invalid_argument, "--dir {}: no key '{}'; there is on-resume", text,
                keys.substr(0, keys.find_first_of("=,")));
}

}  // namespace

bool has_keys(const std::string& text) {
    return comma_before_keys(text) != std::string::npos;
}

Result<vm::DirectoryGrant> parse_directory(const std::string& text) {
    const auto comma = comma_before_keys(text);
    std::string place = text.substr(0, comma);
    vm::DirectoryGrant grant;
    if (comma != std::string::npos) grant.on_resume = TRY(parse_keys(text, text.substr(comma + 1)));
    grant.read_only = place.ends_with(kReadOnly);
    if (grant.read_only) place.resize(place.size() - kReadOnly.size());
    const auto colons = place.find("::");
    const std::string host = place.substr(0, colons);
    grant.guest_path = colons == std::string::npos ? host : place.substr(colons + 2);
    if (host.empty() || grant.guest_path.empty()) {
        return fail(ErrorCode::invalid_argument, "--dir {}: write HOST[::GUEST][:ro][,key=value]",
                    text);
    }
    std::error_code error;
    const auto absolute = std::filesystem::canonical(host, error);
    if (error) return fail_errno(error.value(), "--dir {}: cannot use {}", text, host);
    grant.host_path = absolute.native();
    return grant;
}

Result<process::OnResumeChoice> parse_on_resume_choice(const std::string& text) {
    const auto equals = text.rfind('=');
    process::OnResumeChoice choice;
    if (equals != std::string::npos) choice.guest_path = text.substr(0, equals);
    const auto parsed =
        leases::parse_on_resume(equals == std::string::npos ? text : text.substr(equals + 1));
    if (!parsed.ok()) return fail(parsed.error().code, "--{}", parsed.error().message);
    choice.on_resume = *parsed;
    return choice;
}

Result<std::string> parse_environment(const std::string& text) {
    const auto equals = text.find('=');
    if (equals != std::string::npos && equals != 0) return text;
    return fail(ErrorCode::invalid_argument, "--env {}: write KEY=VALUE", text);
}

Result<std::string> parse_host_path(const std::string& text) {
    std::error_code error;
    const auto canonical = std::filesystem::weakly_canonical(text, error);
    // A name of which nothing is there yet stays relative.
    const auto absolute = error ? canonical : std::filesystem::absolute(canonical, error);
    if (error) return fail_errno(error.value(), "cannot use '{}' as a path of this host", text);
    return absolute.native();
}

Result<void> parse_lease_term(const std::string& text, leases::LeaseTerms& terms) {
    const auto equals = text.find('=');
    const auto kind = leases::kind_named(text.substr(0, equals));
    if (equals == std::string::npos || !kind) {
        return fail(ErrorCode::invalid_argument, "--lease-ttl {}: write KIND=TIME; kinds are {}",
                    text, leases::kinds_for_people());
    }
    terms[*kind] = TRY(parse_duration(text.substr(equals + 1)));
    return {};
}

}  // namespace sojourn::tools
