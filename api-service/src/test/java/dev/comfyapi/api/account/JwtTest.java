package dev.comfyapi.api.account;

import static dev.comfyapi.api.account.Accounts.bearer;

import static org.assertj.core.api.Assertions.assertThat;

import com.nimbusds.jose.JOSEException;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.JWSHeader;
import com.nimbusds.jose.crypto.ECDSASigner;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.ECKey;
import com.nimbusds.jose.jwk.JWKSet;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.PlainJWT;
import com.nimbusds.jwt.SignedJWT;
import com.sun.net.httpserver.HttpServer;

import dev.comfyapi.api.Api;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;

/// With a provider of tokens as a real one is seen from here: two documents over HTTP.
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class JwtTest {

    private static final String ME = "/api/v1/me";

    private final ECKey key = aKey();
    private final HttpServer provider = provider();
    private final String issuer = "http://127.0.0.1:%d".formatted(provider.getAddress().getPort());
    private final Accounts accounts =
            new Accounts(
                    "--comfyapi.auth.jwt.issuer=" + issuer,
                    "--comfyapi.auth.jwt.audience=pictures");
    private final Api api = accounts.api;
    private final Accounts.Tenant tenant = accounts.tenant();

    @AfterAll
    void close() {
        accounts.close();
        provider.stop(0);
    }

    private static ECKey aKey() {
        try {
            return new ECKeyGenerator(Curve.P_256).keyID("1").generate();
        } catch (JOSEException e) {
            throw new IllegalStateException(e);
        }
    }

    private HttpServer provider() {
        try {
            var server =
                    HttpServer.create(
                            new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
            var url = "http://127.0.0.1:%d".formatted(server.getAddress().getPort());
            serve(
                    server,
                    "/.well-known/openid-configuration",
                    "{\"issuer\": \"%s\", \"jwks_uri\": \"%s/keys\"}".formatted(url, url));
            serve(server, "/keys", new JWKSet(key.toPublicJWK()).toString());
            server.start();
            return server;
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    private static void serve(HttpServer server, String path, String json) {
        server.createContext(
                path,
                exchange -> {
                    try (exchange) {
                        var body = json.getBytes(StandardCharsets.UTF_8);
                        exchange.getResponseHeaders().set("Content-Type", "application/json");
                        exchange.sendResponseHeaders(200, body.length);
                        exchange.getResponseBody().write(body);
                    }
                });
    }

    private JWTClaimsSet.Builder claims() {
        return new JWTClaimsSet.Builder()
                .issuer(issuer)
                .audience("pictures")
                .subject("ada")
                .expirationTime(Date.from(now().plusSeconds(600)))
                .claim("tenant", tenant.id())
                .claim("role", "developer");
    }

    private Instant now() {
        return api.bean(Clock.class).instant();
    }

    private static String signed(JWTClaimsSet claims, ECKey key) throws JOSEException {
        var token =
                new SignedJWT(
                        new JWSHeader.Builder(JWSAlgorithm.ES256).keyID(key.getKeyID()).build(),
                        claims);
        token.sign(new ECDSASigner(key));
        return token.serialize();
    }

    @Test
    void a_token_of_the_provider_speaks_for_its_tenant_with_its_role() throws Exception {
        var token = signed(claims().build(), key);

        var me = api.get(ME, bearer(token));
        var submitted = api.post("/api/v1/jobs", Api.aPrompt(), bearer(token));
        var keys = api.get(Accounts.KEYS, bearer(token));

        assertThat(me.at("/tenant_id")).isEqualTo(tenant.id());
        assertThat(me.at("/actor")).isEqualTo("user:ada");
        assertThat(submitted.status()).isEqualTo(202);
        assertThat(keys.at("/code")).isEqualTo("scope_missing");
        assertThat(api.get("/api/v1/jobs", bearer(tenant.owner())).text())
                .contains(submitted.at("/job_id"));
    }

    @Test
    void nobody_becomes_an_operator_by_a_claim_and_who_has_no_role_looks_only() throws Exception {
        var operator = signed(claims().claim("role", "operator").build(), key);
        var nothing = signed(claims().claim("role", null).build(), key);

        assertThat(api.get(Accounts.TENANTS, bearer(operator)).status()).isEqualTo(403);
        assertThat(api.post("/api/v1/jobs", Api.aPrompt(), bearer(operator)).status())
                .isEqualTo(403);
        assertThat(api.get(ME, bearer(nothing)).status()).isEqualTo(200);
        assertThat(api.post("/api/v1/jobs", Api.aPrompt(), bearer(nothing)).status())
                .isEqualTo(403);
    }

    @Test
    void while_the_provider_does_not_answer_tokens_are_to_come_again_and_keys_go_on()
            throws Exception {
        try (var alone =
                api.another(
                        "--comfyapi.auth.mode=keys",
                        "--comfyapi.auth.jwt.issuer=http://127.0.0.1:1",
                        "--comfyapi.auth.jwt.audience=pictures")) {
            var refused = alone.get(ME, bearer(signed(claims().build(), key)));

            assertThat(refused.status()).isEqualTo(503);
            assertThat(refused.header("Retry-After")).isNotNull();
            assertThat(alone.get(ME, bearer(tenant.owner())).status()).isEqualTo(200);
        }
    }

    @Test
    void a_token_that_is_not_good_is_refused() throws Exception {
        var past = Date.from(now().minus(Duration.ofHours(1)));
        var stranger = new ECKeyGenerator(Curve.P_256).keyID("1").generate();
        var good = signed(claims().build(), key);

        var expired = api.get(ME, bearer(signed(claims().expirationTime(past).build(), key)));

        assertThat(expired.status()).isEqualTo(401);
        assertThat(expired.at("/code")).isEqualTo("token_expired");
        for (var token :
                new String[] {
                    signed(claims().audience("another service").build(), key),
                    signed(claims().issuer("http://127.0.0.1:1").build(), key),
                    signed(claims().expirationTime(null).build(), key),
                    signed(claims().subject(null).build(), key),
                    signed(claims().claim("tenant", "nobody").build(), key),
                    signed(claims().claim("tenant", null).build(), key),
                    signed(claims().build(), stranger),
                    new PlainJWT(claims().build()).serialize(),
                    good.substring(0, good.length() - 4) + "AAAA",
                    "a.b.c",
                    "..."
                }) {
            var refused = api.get(ME, bearer(token));
            assertThat(refused.status()).as(token).isEqualTo(401);
            assertThat(refused.at("/code")).as(token).isEqualTo("unauthenticated");
        }
    }
}
