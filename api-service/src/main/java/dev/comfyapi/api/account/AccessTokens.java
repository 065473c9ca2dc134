package dev.comfyapi.api.account;

import com.github.benmanes.caffeine.cache.Caffeine;
import com.github.benmanes.caffeine.cache.LoadingCache;
import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.MACSigner;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.SignedJWT;

import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.Caller;
import dev.comfyapi.api.http.Caller.Rates;
import dev.comfyapi.api.http.ProblemCode;
import dev.comfyapi.db.account.SessionStore;
import dev.comfyapi.db.secret.SecretStore;
import dev.comfyapi.model.job.JobId;

import org.jspecify.annotations.Nullable;
import org.springframework.security.authentication.AuthenticationProvider;
import org.springframework.security.core.Authentication;
import org.springframework.security.oauth2.jose.jws.MacAlgorithm;
import org.springframework.security.oauth2.jwt.Jwt;
import org.springframework.security.oauth2.jwt.JwtClaimNames;
import org.springframework.security.oauth2.jwt.JwtClaimValidator;
import org.springframework.security.oauth2.jwt.JwtDecoder;
import org.springframework.security.oauth2.jwt.JwtException;
import org.springframework.security.oauth2.jwt.NimbusJwtDecoder;
import org.springframework.security.oauth2.jwt.SupplierJwtDecoder;
import org.springframework.stereotype.Component;

import java.text.ParseException;
import java.time.Clock;
import java.util.Date;
import java.util.Optional;
import java.util.UUID;

import javax.crypto.spec.SecretKeySpec;

/// Makes the access tokens of local users, and tells whose one a request shows. Thread-safe.
///
/// A token is a JWT, signed with a key of the platform's own, and says who and in which session;
/// what that user may do, and whether the session is still there, is looked up and believed for a
/// few seconds, as with keys. So a role that was taken away is gone everywhere as soon as a revoked
/// key is.
@Component
final class AccessTokens implements AuthenticationProvider {

    /// In the header of ours, so that they are told from those of a provider.
    private static final String TYPE = "comfyapi+jwt";

    private static final String ISSUER = "comfyapi";
    private static final String SESSION = "sid";

    private final SecretStore secrets;
    private final UserProperties properties;
    private final Clock clock;
    private final JwtDecoder decoder = new SupplierJwtDecoder(this::decoder);
    private final LoadingCache<UUID, Optional<SessionStore.Open>> believed;
    private volatile @Nullable SecretKeySpec key;

    AccessTokens(
            SecretStore secrets,
            SessionStore sessions,
            UserProperties properties,
            AuthProperties auth,
            Clock clock) {
        this.secrets = secrets;
        this.properties = properties;
        this.clock = clock;
        this.believed =
                Caffeine.newBuilder()
                        .maximumSize(10_000)
                        .expireAfterWrite(auth.cache())
                        .build(sessions::find);
    }

    /// Whether somebody says that this is one of ours.
    static boolean isOurs(String shown) {
        try {
            var type = SignedJWT.parse(shown).getHeader().getType();
            return type != null && type.getType().equals(TYPE);
        } catch (ParseException _) {
            return false;
        }
    }

    String make(UUID user, UUID session) {
        var now = clock.instant();
        var token =
                new SignedJWT(
                        new JWSHeader.Builder(JWSAlgorithm.HS256)
                                .type(new JOSEObjectType(TYPE))
                                .build(),
                        new JWTClaimsSet.Builder()
                                .issuer(ISSUER)
                                .subject(user.toString())
                                .claim(SESSION, session.toString())
                                .issueTime(Date.from(now))
                                .expirationTime(Date.from(now.plus(properties.access())))
                                .build());
        try {
            token.sign(new MACSigner(key()));
        } catch (JOSEException e) {
            throw new IllegalStateException("every JDK has HMAC-SHA256", e);
        }
        return token.serialize();
    }

    @Override
    public boolean supports(Class<?> type) {
        return type == Credentials.class;
    }

    @Override
    public @Nullable Authentication authenticate(Authentication shown) {
        var text = ((Credentials) shown).shown();
        return properties.enabled() && isOurs(text) ? new Known(caller(decoded(text))) : null;
    }

    private Jwt decoded(String text) {
        Jwt token;
        try {
            // First, so that a database that does not answer is told from a bad token.
            var _ = key();
            token = decoder.decode(text);
        } catch (JwtException _) {
            throw refused(ProblemCode.UNAUTHENTICATED, "The token is not one of ours.");
        }
        // Not by a validator: the code is another than that of a forged one.
        var until = token.getExpiresAt();
        if (until == null || !clock.instant().isBefore(until)) {
            throw refused(
                    ProblemCode.TOKEN_EXPIRED,
                    "The access token has expired; get one with your refresh token.");
        }
        return token;
    }

    private Caller caller(Jwt token) {
        var open =
                Optional.ofNullable(token.getClaimAsString(SESSION))
                        .flatMap(JobId::parse)
                        .flatMap(id -> believed.get(id.value()))
                        .orElseThrow(() ->
                                refused(
                                        ProblemCode.UNAUTHENTICATED,
                                        "The session has ended; sign in again."));
        return new Caller(
                open.tenant(),
                open.suspended(),
                null,
                open.session(),
                Caller.ACCOUNT + open.user(),
                Role.ofWire(open.role()).orElse(Role.VIEWER).scopes(),
                new Rates(open.submitsMinute(), open.pollsMinute(), open.uploadsMinute()),
                token.getExpiresAt());
    }

    private JwtDecoder decoder() {
        var ours =
                NimbusJwtDecoder.withSecretKey(key())
                        .macAlgorithm(MacAlgorithm.HS256)
                        .validateType(false)
                        .build();
        ours.setJwtValidator(new JwtClaimValidator<>(JwtClaimNames.ISS, ISSUER::equals));
        return ours;
    }

    /// Read when it is first needed: the database may come later than this service.
    private SecretKeySpec key() {
        var known = key;
        if (known == null) {
            known = new SecretKeySpec(secrets.get("access-tokens"), "HmacSHA256");
            key = known;
        }
        return known;
    }

    private static RefusedException refused(ProblemCode code, String detail) {
        return new RefusedException(ApiProblem.of(code, detail));
    }
}
