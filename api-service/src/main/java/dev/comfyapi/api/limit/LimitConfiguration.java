package dev.comfyapi.api.limit;

import org.springframework.context.annotation.Configuration;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.web.servlet.config.annotation.InterceptorRegistry;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;

/// Counting comes after the check of scopes: what is not allowed costs nothing.
@Configuration(proxyBeanMethods = false)
@Order(Ordered.LOWEST_PRECEDENCE)
class LimitConfiguration implements WebMvcConfigurer {

    private final RateCheck rates;

    LimitConfiguration(RateCheck rates) {
        this.rates = rates;
    }

    @Override
    public void addInterceptors(InterceptorRegistry registry) {
        registry.addInterceptor(rates).order(1);
    }
}
