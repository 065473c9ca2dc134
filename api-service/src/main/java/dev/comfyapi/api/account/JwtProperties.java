package dev.comfyapi.api.account;

import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/// Tokens of an OpenID Connect provider, as another way to say who one is.
///
/// @param issuer its address, exactly as in its tokens; tokens are not taken when absent
/// @param audience what has to be among a token's audiences
/// @param tenantClaim which claim names the tenant, by its id or its name
/// @param roleClaim which claim names the role
@ConfigurationProperties("comfyapi.auth.jwt")
record JwtProperties(
        @Nullable String issuer,
        @Nullable String audience,
        @DefaultValue("tenant") String tenantClaim,
        @DefaultValue("role") String roleClaim) {

    JwtProperties {
        if (issuer != null && audience == null) {
            throw new IllegalArgumentException(
                    "comfyapi.auth.jwt.issuer needs comfyapi.auth.jwt.audience: a token that was"
                            + " made for another service must not be good here");
        }
    }
}
