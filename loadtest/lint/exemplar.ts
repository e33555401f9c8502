import { parse, parseAllDocuments, stringify } from 'yaml';

/** A service in which no rule finds anything; the examples of the rules are patches of it. */
const EXEMPLAR = `
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  minReadySeconds: 5
  progressDeadlineSeconds: 300
  strategy:
    rollingUpdate: { maxUnavailable: 0, maxSurge: 25% }
  selector:
    matchLabels: { app: web }
  template:
    metadata:
      labels: { app: web }
    spec:
      terminationGracePeriodSeconds: 45
      securityContext:
        runAsNonRoot: true
        seccompProfile: { type: RuntimeDefault }
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: kubernetes.io/hostname
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels: { app: web }
      containers:
        - name: web
          image: registry.example.com/web:1.4.2
          ports:
            - { name: http, containerPort: 8080 }
          env:
            - { name: LAME_DUCK_MS, value: "2000" }
            - { name: DRAIN_TIMEOUT_MS, value: "25000" }
          startupProbe:
            httpGet: { path: /health, port: http }
            periodSeconds: 1
            failureThreshold: 30
          livenessProbe:
            httpGet: { path: /health, port: http }
          readinessProbe:
            httpGet: { path: /ready, port: http }
            periodSeconds: 5
            failureThreshold: 2
          lifecycle:
            preStop:
              sleep: { seconds: 10 }
          resources:
            requests: { cpu: 100m, memory: 256Mi }
            limits: { cpu: "1", memory: 256Mi }
          securityContext:
            allowPrivilegeEscalation: false
            capabilities: { drop: [ALL] }
---
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  selector: { app: web }
  ports:
    - { name: http, port: 80, targetPort: http }
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  name: web
spec:
  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: web }
  minReplicas: 4
  maxReplicas: 10
  metrics:
    - type: ContainerResource
      containerResource:
        name: cpu
        container: web
        target: { type: Utilization, averageUtilization: 70 }
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  name: web
spec:
  maxUnavailable: 1
  selector:
    matchLabels: { app: web }
`;

type Tree = { [key: string]: unknown };

/**
 * The exemplar with a patch of one or more documents: each is merged into the object of its kind (and name, where
 * it has one), or added where there is none. Null removes a key, lists of named things are merged by name, other lists are replaced, and
 * `$patch: delete` removes the object.
 */
export function patchExemplar(patch: string): string {
  const objects: Tree[] = documents(EXEMPLAR);
  for (const change of documents(patch)) {
    const index = objects.findIndex(
      (object) =>
        object.kind === change.kind && (nameOf(change) === undefined || nameOf(change) === nameOf(object)),
    );
    const target = objects[index];
    if (change.$patch === 'delete') objects.splice(index, 1);
    else if (target === undefined) objects.push(change);
    else objects[index] = merge(target, change) as Tree;
  }
  return objects.map((object) => stringify(object)).join('---\n');
}

function documents(text: string): Tree[] {
  const parsed = parseAllDocuments(text);
  return Array.isArray(parsed) ? parsed.map((document) => parse(String(document)) as Tree) : [];
}

function nameOf(object: Tree): unknown {
  return isTree(object.metadata) ? object.metadata.name : undefined;
}

function merge(target: unknown, change: unknown): unknown {
  if (isNamedList(target) && isNamedList(change)) {
    const names = [...new Set([...target, ...change].map(({ name }) => name))];
    const find = (list: Tree[], name: unknown) => list.find((item) => item.name === name);
    return names.map((name) => merge(find(target, name), find(change, name) ?? {}));
  }
  if (!isTree(change)) return change;
  const merged: Tree = isTree(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(change)) {
    if (value === null) delete merged[key];
    else merged[key] = merge(merged[key], value);
  }
  return merged;
}

function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isNamedList(value: unknown): value is Tree[] {
  return Array.isArray(value) && value.length > 0 && value.every((item) => isTree(item) && 'name' in item);
}
