# One build, two runtimes: the default target runs on Bun, `--target node` on Node.
#
#   docker build -t microservice:dev .
#   docker build -t microservice-node:dev --target node .
#
# For another platform, --platform linux/arm64: the bundles are the same for all, so they are built on the machine's own,
# and the last stages only copy. `npm run pin:bases` tells the digests of the bases.
ARG BUILD_IMAGE=docker.io/library/node:24-slim
ARG BUN_IMAGE=docker.io/oven/bun:1-distroless
ARG NODE_IMAGE=docker.io/library/node:24-slim

FROM --platform=$BUILDPLATFORM ${BUILD_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
COPY loadtest/package.json ./loadtest/
RUN npm ci --no-audit --no-fund
COPY build.ts tsconfig.json ./
COPY loadtest ./loadtest
COPY src ./src
# No git here: the commit must be told.
ARG REVISION=
RUN npm run build
# Node takes main.js for a module because of this file. It also makes the copied layer differ between versions:
# some builders reuse a cached ENV whatever the argument in it is.
ARG VERSION=
RUN printf '{"name":"microservice","version":"%s","revision":"%s","type":"module"}\n' "$VERSION" "$REVISION" \
      > dist/service/package.json

FROM ${NODE_IMAGE} AS node
WORKDIR /app
COPY --from=build /app/dist/service ./
# Empty: those of the build.
ARG VERSION=
ARG REVISION=
ENV NODE_ENV=production APP_VERSION=${VERSION} APP_REVISION=${REVISION}
LABEL org.opencontainers.image.title="dropless microservice on Node" \
      org.opencontainers.image.description="A microservice that Kubernetes can roll, scale and drain without losing one request." \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.source="https://github.com/dropless/dropless" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# Numeric, so that runAsNonRoot can tell; no one on a usual node has this id.
USER 65532:65532
EXPOSE 3000
ENTRYPOINT ["/usr/local/bin/node", "/app/main.js"]

# The instrument: docker build -t dropless:dev --target dropless .
FROM ${BUN_IMAGE} AS dropless
WORKDIR /app
COPY --from=build /app/loadtest/dist ./
ARG VERSION=
ARG REVISION=
LABEL org.opencontainers.image.title="dropless" \
      org.opencontainers.image.description="Proves that a service on Kubernetes can be rolled, scaled and drained without losing a request, and names the cause of every loss." \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.source="https://github.com/dropless/dropless" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/bun", "/app/main.js"]

FROM ${BUN_IMAGE} AS bun
WORKDIR /app
COPY --from=build /app/dist/service ./
# Empty: those of the build.
ARG VERSION=
ARG REVISION=
ENV NODE_ENV=production APP_VERSION=${VERSION} APP_REVISION=${REVISION}
LABEL org.opencontainers.image.title="dropless microservice" \
      org.opencontainers.image.description="A microservice that Kubernetes can roll, scale and drain without losing one request." \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.source="https://github.com/dropless/dropless" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
USER 65532:65532
EXPOSE 3000
ENTRYPOINT ["/usr/local/bin/bun", "/app/main.js"]
