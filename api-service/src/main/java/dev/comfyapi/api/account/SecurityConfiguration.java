package dev.comfyapi.api.account;

import dev.comfyapi.api.account.AuthProperties.Mode;
import dev.comfyapi.api.http.ApiProblem;
import dev.comfyapi.api.http.DatabaseTrouble;
import dev.comfyapi.api.http.NamedOrigins;
import dev.comfyapi.api.http.OriginCheck;
import dev.comfyapi.api.http.ProblemCode;
import dev.comfyapi.api.http.ProblemWriter;
import dev.comfyapi.api.http.PublicUrl;
import dev.comfyapi.api.limit.AddressLimit;

import jakarta.servlet.DispatcherType;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;

import org.springframework.boot.web.server.autoconfigure.ServerProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.dao.DataAccessException;
import org.springframework.security.authentication.AuthenticationManager;
import org.springframework.security.authentication.AuthenticationProvider;
import org.springframework.security.authentication.ProviderManager;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.config.annotation.web.configurers.AbstractHttpConfigurer;
import org.springframework.security.config.http.SessionCreationPolicy;
import org.springframework.security.core.AuthenticationException;
import org.springframework.security.core.context.SecurityContextHolder;
import org.springframework.security.web.AuthenticationEntryPoint;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.security.web.authentication.AnonymousAuthenticationFilter;
import org.springframework.security.web.firewall.HttpFirewall;
import org.springframework.security.web.firewall.StrictHttpFirewall;
import org.springframework.web.cors.CorsConfiguration;
import org.springframework.web.cors.UrlBasedCorsConfigurationSource;
import org.springframework.web.filter.CorsFilter;
import org.springframework.web.filter.OncePerRequestFilter;

import java.io.IOException;
import java.util.List;
import java.util.Set;

/// Who gets in: everybody to what is open, and to all the rest only who is known. No sessions, no
/// cookies, no forms.
///
/// What somebody who is known may do is said by [dev.comfyapi.api.http.Requires] on each operation.
@Configuration(proxyBeanMethods = false)
class SecurityConfiguration {

    @Bean
    SecurityFilterChain doors(
            HttpSecurity http,
            AuthProperties properties,
            AuthenticationManager manager,
            AddressLimit addresses,
            OpenPaths open,
            NamedOrigins origins,
            PublicUrl publicUrl)
            throws Exception {
        if (!properties.corsOrigins().isEmpty()) {
            http.addFilter(pagesOf(properties.corsOrigins()));
        }
        return http.csrf(AbstractHttpConfigurer::disable)
                .formLogin(AbstractHttpConfigurer::disable)
                .httpBasic(AbstractHttpConfigurer::disable)
                .logout(AbstractHttpConfigurer::disable)
                .requestCache(AbstractHttpConfigurer::disable)
                .securityContext(AbstractHttpConfigurer::disable)
                .servletApi(AbstractHttpConfigurer::disable)
                // Set by RequestId: errors that never come here have them too.
                .headers(AbstractHttpConfigurer::disable)
                .sessionManagement(s -> s.sessionCreationPolicy(SessionCreationPolicy.STATELESS))
                .exceptionHandling(e -> e.authenticationEntryPoint(new Refusal()))
                .addFilterBefore(
                        properties.mode() == Mode.OPEN
                                ? new EverybodyIsKnown(origins, publicUrl.host())
                                : new Authenticate(manager, addresses, open),
                        AnonymousAuthenticationFilter.class)
                .authorizeHttpRequests(requests ->
                        requests.dispatcherTypeMatchers(
                                        DispatcherType.ERROR,
                                        DispatcherType.ASYNC,
                                        DispatcherType.FORWARD)
                                .permitAll()
                                .requestMatchers(open)
                                .permitAll()
                                .anyRequest()
                                .authenticated())
                .build();
    }

    /// Keys travel in headers, never in cookies, so no credentials of the browser are let through.
    private static CorsFilter pagesOf(List<String> origins) {
        var allowed = new CorsConfiguration();
        allowed.setAllowedOrigins(origins);
        allowed.setAllowedMethods(List.of("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"));
        allowed.setAllowedHeaders(
                List.of(
                        "Authorization",
                        "X-API-Key",
                        "Content-Type",
                        "Idempotency-Key",
                        "If-Match",
                        "If-None-Match",
                        "Last-Event-ID",
                        "Prefer",
                        "X-Request-Id"));
        allowed.setExposedHeaders(
                List.of(
                        "ETag",
                        "Link",
                        "Location",
                        "Retry-After",
                        "Idempotency-Replayed",
                        "RateLimit",
                        "RateLimit-Policy",
                        "X-Request-Id"));
        var source = new UrlBasedCorsConfigurationSource();
        source.registerCorsConfiguration("/**", allowed);
        var filter = new CorsFilter(source);
        filter.setCorsProcessor(new OriginCheck());
        return filter;
    }

    @Bean
    NamedOrigins namedOrigins(AuthProperties properties) {
        return new NamedOrigins(Set.copyOf(properties.corsOrigins()));
    }

    @Bean
    AuthenticationManager authenticationManager(List<AuthenticationProvider> providers) {
        return new ProviderManager(providers);
    }

    /// What a path means is decided by one parser, the same for the doors and for the controllers
    /// behind them; values of headers and parameters are looked at by those who use them.
    @Bean
    HttpFirewall firewall() {
        var firewall = new StrictHttpFirewall();
        firewall.setUnsafeAllowAnyHttpMethod(true);
        firewall.setAllowedHeaderNames(_ -> true);
        firewall.setAllowedHeaderValues(_ -> true);
        firewall.setAllowedParameterNames(_ -> true);
        firewall.setAllowedParameterValues(_ -> true);
        firewall.setAllowedHostnames(_ -> true);
        firewall.setAllowSemicolon(true);
        firewall.setAllowUrlEncodedPercent(true);
        return firewall;
    }

    /// Refuses to be open to others than this machine.
    @Bean
    LoopbackOnly loopbackOnly(AuthProperties properties, ServerProperties server) {
        return new LoopbackOnly(properties, server.getAddress());
    }

    /// Counts what comes from the address, then looks at what the request shows, unless it asks for
    /// something open: whoever asks whether the service lives needs neither a good key nor a
    /// database.
    private static final class Authenticate extends OncePerRequestFilter {

        private final AuthenticationManager manager;
        private final AddressLimit addresses;
        private final OpenPaths open;
        private final Refusal refusal = new Refusal();

        Authenticate(AuthenticationManager manager, AddressLimit addresses, OpenPaths open) {
            this.manager = manager;
            this.addresses = addresses;
            this.open = open;
        }

        @Override
        protected void doFilterInternal(
                HttpServletRequest request, HttpServletResponse response, FilterChain chain)
                throws ServletException, IOException {
            var tooMany = addresses.take(request.getRemoteAddr());
            if (tooMany.isPresent()) {
                ProblemWriter.write(request, response, tooMany.get());
                return;
            }
            if (!open.matches(request)) {
                try {
                    var shown = Credentials.of(request);
                    if (shown != null) {
                        var known = manager.authenticate(shown);
                        addresses.giveBack(request.getRemoteAddr());
                        SecurityContextHolder.getContext().setAuthentication(known);
                    }
                } catch (AuthenticationException e) {
                    refusal.commence(request, response, e);
                    return;
                } catch (DataAccessException e) {
                    if (!DatabaseTrouble.isIn(e)) {
                        throw e;
                    }
                    ProblemWriter.write(
                            request,
                            response,
                            ApiProblem.of(
                                            ProblemCode.TEMPORARILY_OVERLOADED,
                                            "The database does not answer just now.")
                                    .header("Retry-After", "2"));
                    return;
                }
            }
            chain.doFilter(request, response);
        }
    }

    /// Says what is wrong, as a problem and with the header that every 401 has.
    private static final class Refusal implements AuthenticationEntryPoint {

        @Override
        public void commence(
                HttpServletRequest request,
                HttpServletResponse response,
                AuthenticationException refused)
                throws IOException {
            var problem =
                    refused instanceof RefusedException known
                            ? known.problem()
                            : ApiProblem.of(
                                    ProblemCode.UNAUTHENTICATED, "The request shows no API key.");
            if (problem.code().status() == HttpServletResponse.SC_UNAUTHORIZED) {
                problem =
                        problem.header(
                                "WWW-Authenticate",
                                refused instanceof RefusedException
                                        ? "Bearer realm=\"comfyapi\", error=\"invalid_token\""
                                        : "Bearer realm=\"comfyapi\"");
            }
            ProblemWriter.write(request, response, problem);
        }
    }
}
