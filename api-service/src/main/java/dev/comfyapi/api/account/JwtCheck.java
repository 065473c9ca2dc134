package dev.comfyapi.api.account;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.Caller;
import dev.comfyapi.api.http.Caller.Rates;
import dev.comfyapi.api.http.ProblemCode;
import dev.comfyapi.db.account.AccountStore;
import dev.comfyapi.db.account.Tenant;
import dev.comfyapi.model.job.JobId;

import org.jspecify.annotations.Nullable;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.http.client.SimpleClientHttpRequestFactory;
import org.springframework.security.authentication.AuthenticationProvider;
import org.springframework.security.core.Authentication;
import org.springframework.security.oauth2.core.DelegatingOAuth2TokenValidator;
import org.springframework.security.oauth2.jose.jws.SignatureAlgorithm;
import org.springframework.security.oauth2.jwt.BadJwtException;
import org.springframework.security.oauth2.jwt.Jwt;
import org.springframework.security.oauth2.jwt.JwtClaimNames;
import org.springframework.security.oauth2.jwt.JwtClaimValidator;
import org.springframework.security.oauth2.jwt.JwtDecoder;
import org.springframework.security.oauth2.jwt.JwtDecoderInitializationException;
import org.springframework.security.oauth2.jwt.JwtException;
import org.springframework.security.oauth2.jwt.JwtValidationException;
import org.springframework.security.oauth2.jwt.JwtValidators;
import org.springframework.security.oauth2.jwt.NimbusJwtDecoder;
import org.springframework.security.oauth2.jwt.SupplierJwtDecoder;
import org.springframework.stereotype.Component;
import org.springframework.web.client.RestTemplate;

import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/// Tells whose token of the OpenID Connect provider a request shows. Thread-safe.
///
/// The provider says who somebody is, and of which tenant and role; what a role may do is said
/// here. Nobody becomes an operator who is not of the operators' own tenant. The provider is asked
/// for its keys when they are first needed, and again when a token has a new one.
@Component
@ConditionalOnProperty("comfyapi.auth.jwt.issuer")
final class JwtCheck implements AuthenticationProvider {

    private static final int OPERATORS = 1;
    private static final Duration PATIENCE = Duration.ofSeconds(2);

    private final JwtProperties properties;
    private final JwtDecoder decoder;
    private final AccountStore tenants;
    private final Cache<String, Optional<Tenant>> known;

    JwtCheck(JwtProperties properties, AuthProperties auth, AccountStore tenants) {
        this.properties = properties;
        this.tenants = tenants;
        this.decoder = new SupplierJwtDecoder(this::provider);
        this.known =
                Caffeine.newBuilder().maximumSize(10_000).expireAfterWrite(auth.cache()).build();
    }

    /// Whether this is a token and no key.
    static boolean isToken(String shown) {
        return shown.indexOf('.') > 0;
    }

    private JwtDecoder provider() {
        var issuer = Objects.requireNonNull(properties.issuer());
        var provider =
                NimbusJwtDecoder.withIssuerLocation(issuer)
                        .jwsAlgorithms(algorithms ->
                                algorithms.addAll(List.of(SignatureAlgorithm.values())))
                        .restOperations(impatient())
                        .build();
        provider.setJwtValidator(
                new DelegatingOAuth2TokenValidator<>(
                        JwtValidators.createDefaultWithIssuer(issuer),
                        new JwtClaimValidator<List<String>>(
                                JwtClaimNames.AUD,
                                audiences ->
                                        audiences != null
                                                && audiences.contains(properties.audience())),
                        new JwtClaimValidator<>(JwtClaimNames.SUB, Objects::nonNull),
                        new JwtClaimValidator<>(JwtClaimNames.EXP, Objects::nonNull)));
        return provider;
    }

    /// Anybody can make us ask the provider, with a token that names an unknown key.
    private static RestTemplate impatient() {
        var requests = new SimpleClientHttpRequestFactory();
        requests.setConnectTimeout(PATIENCE);
        requests.setReadTimeout(PATIENCE);
        return new RestTemplate(requests);
    }

    @Override
    public boolean supports(Class<?> type) {
        return type == Credentials.class;
    }

    @Override
    public @Nullable Authentication authenticate(Authentication shown) {
        var text = ((Credentials) shown).shown();
        return isToken(text) && !AccessTokens.isOurs(text)
                ? new Known(caller(decoded(text)))
                : null;
    }

    private Jwt decoded(String text) {
        try {
            return decoder.decode(text);
        } catch (JwtValidationException e) {
            boolean expired =
                    e.getErrors().stream()
                            .anyMatch(error ->
                                    String.valueOf(error.getDescription())
                                            .startsWith("Jwt expired"));
            throw expired
                    ? refused(ProblemCode.TOKEN_EXPIRED, "The token has expired.")
                    : refused(ProblemCode.UNAUTHENTICATED, "The token is not for this service.");
        } catch (BadJwtException _) {
            throw refused(ProblemCode.UNAUTHENTICATED, "The token is not one of our provider's.");
        } catch (JwtException | JwtDecoderInitializationException _) {
            throw new RefusedException(
                    ApiProblem.of(
                                    ProblemCode.TEMPORARILY_OVERLOADED,
                                    "The provider of tokens does not answer just now.")
                            .header("Retry-After", "5"));
        }
    }

    private Caller caller(Jwt token) {
        var tenant =
                Optional.ofNullable(token.getClaimAsString(properties.tenantClaim()))
                        .flatMap(this::tenant)
                        .filter(found -> !found.deleting())
                        .orElseThrow(() ->
                                refused(
                                        ProblemCode.UNAUTHENTICATED,
                                        "The token names no tenant of ours."));
        var role =
                Optional.ofNullable(token.getClaimAsString(properties.roleClaim()))
                        .flatMap(Role::ofWire)
                        .filter(named -> named != Role.OPERATOR || tenant.id() == OPERATORS)
                        .orElse(Role.VIEWER);
        var limits = tenant.limits();
        return new Caller(
                tenant.id(),
                tenant.suspended(),
                null,
                null,
                "user:" + token.getSubject(),
                role.scopes(),
                new Rates(limits.submitsMinute(), limits.pollsMinute(), limits.uploadsMinute()),
                token.getExpiresAt());
    }

    private Optional<Tenant> tenant(String claim) {
        return known.get(
                claim,
                _ ->
                        JobId.parse(claim)
                                .flatMap(id -> tenants.find(id.value()))
                                .or(() -> tenants.findByName(claim)));
    }

    private static RefusedException refused(ProblemCode code, String detail) {
        return new RefusedException(ApiProblem.of(code, detail));
    }
}
